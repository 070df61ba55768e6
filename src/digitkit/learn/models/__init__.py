"""Networks, registered by name; importing the package registers them all."""
