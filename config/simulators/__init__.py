"""
Providers that cannot exist here, played strictly: an SMS service and a mail server.

They are programs of other companies: they import nothing of this house, speak only over sockets, keep what they took in
memory, and check what they are sent by their own reading of the published rules. `manage.py simulate_providers` runs
them for demonstrations; tests start them in threads.
"""
