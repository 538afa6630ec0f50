-- ARGV: the id of a key. Returns the key, or false. Ends its sessions.
for _, hash in ipairs(redis.call('SMEMBERS', B .. 'ses:by:' .. ARGV[1])) do drop_session(hash) end
redis.call('HDEL', B .. 'key:use', ARGV[1])
local json = redis.call('HGET', B .. 'key', ARGV[1])
if not json then return false end
local key = cjson.decode(json)
redis.call('HDEL', B .. 'key', ARGV[1])
redis.call('HDEL', B .. 'key:name', key.name)
redis.call('HDEL', B .. 'key:hash', key.hash)
return json
