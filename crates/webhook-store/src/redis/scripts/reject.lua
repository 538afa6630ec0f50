-- KEYS[1]: the index of tenants. ARGV: (id, tenant or '', at, JSON)…
local B = string.sub(KEYS[1], 1, -2)
for i = 1, #ARGV, 4 do
  local id, tenant, at, json = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2]), ARGV[i + 3]
  if redis.call('HSETNX', B .. 'rv', id, tenant .. ' ' .. json) == 1 then
    -- Scores increase within a millisecond, so that the order is that of the calls.
    local last = tonumber(redis.call('GET', B .. 'rs') or '0')
    local score = at * 1024
    if last >= score and last < score + 1023 then score = last + 1 end
    score = string.format('%.0f', score)
    redis.call('SET', B .. 'rs', score)
    redis.call('ZADD', B .. 'r', score, id)
    redis.call('ZADD', B .. 'r:' .. tenant, score, id)
  end
end
return 1
