"""Our own launcher: PostgreSQL and Valkey from wheels, and the stack of `make run`.

Nothing in this package imports Django, except `checks` and `provision`'s command, so that
it can run before the settings are complete.
"""
