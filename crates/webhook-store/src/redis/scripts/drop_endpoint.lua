-- Removes an endpoint. ARGV: endpoint. Returns the tenant's new version, or '' if it did not exist.
local id = ARGV[1]
if call('HEXISTS', T, id) == 0 then return '' end
-- SADD first: a full server rejects it, but would accept HDEL.
call('SADD', B .. 'g', id)
call('HDEL', T, id)
call('SREM', B .. 'off', id)
call('ZREM', B .. 'r', id)
call('HINCRBY', T, ':v', 1)
return call('HGET', T, ':v')
