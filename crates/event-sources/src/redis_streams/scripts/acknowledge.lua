-- Acknowledges entries, unless the stream was replaced since they were read: entries of the new
-- stream may have the same ids. KEYS[1]: the stream. ARGV: group, the group that marks the
-- incarnation, ids. Returns how many were acknowledged, or -1.
if redis.pcall('XINFO', 'CONSUMERS', KEYS[1], ARGV[2]).err then return -1 end
return redis.call('XACK', KEYS[1], ARGV[1], unpack(ARGV, 3))
