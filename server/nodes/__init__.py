"""Several servers as one site, joined by Redis; without it nothing of this is in use."""
