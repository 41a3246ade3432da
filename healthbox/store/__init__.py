"""The only room that speaks SQL. Functions take a connection from ``Database.reading()`` or ``Database.writing()``.

Instants in tables are whole seconds since 1970 UTC for samples (milliseconds in a side column) and milliseconds
everywhere else; dates are ISO text, so that they sort.
"""
