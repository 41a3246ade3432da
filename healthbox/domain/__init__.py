"""The words of the house: pure data and pure functions, no database, no network, no clock of their own."""
