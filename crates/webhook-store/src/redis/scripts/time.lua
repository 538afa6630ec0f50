-- KEYS[1]: the index of tenants, which says whose clock it is. Returns the time in seconds and microseconds.
return redis.call('TIME')
