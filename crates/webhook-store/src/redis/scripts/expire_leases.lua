-- Removes the expired leases of other owners, which can no longer renew them. KEYS[1]: the index of
-- tenants. ARGV: own incarnation, now. Returns the removed incarnations.
local owners = string.sub(KEYS[1], 1, -2) .. 'o'
local own = redis.call('HGET', owners, ARGV[1])
if not own then return {} end
local all, gone = redis.call('HGETALL', owners), {}
for i = 1, #all, 2 do
  local ends = tonumber(string.match(all[i + 1], '^%d+'))
  if all[i] ~= ARGV[1] and ends <= tonumber(ARGV[2]) then
    -- A full server rejects HSET and accepts HDEL. No lease may be ended while none can be renewed.
    if #gone == 0 then redis.call('HSET', owners, ARGV[1], own) end
    redis.call('HDEL', owners, all[i])
    gone[#gone + 1] = all[i]
  end
end
return gone
