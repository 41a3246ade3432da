"""What the days mean: a person's usual, findings, regularity, the sentence of the day. Pure functions over day rows."""
