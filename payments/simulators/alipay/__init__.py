"""
Alipay's open gateway as a merchant sees it: RSA2 signed requests in, signed replies and notices out.

Knows nothing of our database and needs no Django. It checks what the real one checks and answers with its codes.
"""
