"""
WeChat Pay's API v3 as a merchant sees it: signed requests in, signed replies and sealed notices out.

Knows nothing of our database and needs no Django. It checks what the real one checks and answers with its codes.
"""
