-- KEYS[1]: the index of tenants, whose node's clock is read. Returns seconds and microseconds.
return redis.call('TIME')
