"""Everything is served from here: the catalog of protocols, listeners, the service, twistd's options."""
