"""The service: sockets in and out, call sessions, pages."""
