"""The Python side of the native protocol: send audio as a softphone does, watch as a page does."""
