"""Calls that are going on: their state, their history, who watches them."""
