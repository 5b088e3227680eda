"""
Pure: plans of who lowers their load when, in a shortage of power (有序用电).

A `Problem` holds columns, one row a customer of the approved yearly list; a strategy makes a `Plan` of it; `checks`
says what a plan may never do; `metrics` says what it costs whom. Source of the form: block windows instead of slot
binaries (a customer is cut at most once a day, in one of the production-shift windows), because slot binaries do not
solve in time beyond some 150 customers.
"""
