"""What an evaluation says of a hybrid model, as pure functions of its rows.

Rows are a frame of one response each, with the columns that a function names. `status` is a verdict, `mode` what a
response shows, null where it shows none, and `tokens` what the model wrote, null where the request failed. A verdict
`unknown` leaves every denominator.
"""
