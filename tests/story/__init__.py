"""One day of the whole house, told in a browser with everything running: `make story`."""
