-- KEYS[1]: the index of tenants. ARGV: (id of a key, time)…
local B = string.sub(KEYS[1], 1, -2)
for i = 1, #ARGV, 2 do
  local last = tonumber(redis.call('HGET', B .. 'key:use', ARGV[i]) or '-1')
  if last < tonumber(ARGV[i + 1]) then redis.call('HSET', B .. 'key:use', ARGV[i], ARGV[i + 1]) end
end
return 1
