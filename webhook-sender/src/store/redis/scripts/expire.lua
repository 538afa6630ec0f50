-- KEYS[1]: the index of tenants. ARGV: now. Takes out the owners whose lease has run out: from then
-- on they cannot renew it. Answers which.
local owners = string.sub(KEYS[1], 1, -2) .. 'o'
local all, gone = redis.call('HGETALL', owners), {}
for i = 1, #all, 2 do
  if tonumber(string.match(all[i + 1], '^%d+')) <= tonumber(ARGV[1]) then
    redis.call('HDEL', owners, all[i])
    gone[#gone + 1] = all[i]
  end
end
return gone
