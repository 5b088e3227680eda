"""WeChat's page authorisation (网页授权), as far as signing in needs it."""
