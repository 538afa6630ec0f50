-- ARGV: endpoint. Answers the tenant's new version, or '' if there was no such endpoint.
local id = ARGV[1]
if call('HDEL', T, id) == 0 then return '' end
call('SADD', B .. 'g', id)
call('SREM', B .. 'off', id)
call('ZREM', B .. 'r', id)
call('HINCRBY', T, ':v', 1)
return call('HGET', T, ':v')
