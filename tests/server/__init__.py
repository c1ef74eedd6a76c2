"""Tests of the server, each bad input through a real socket."""
