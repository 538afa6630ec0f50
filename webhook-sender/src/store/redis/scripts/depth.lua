-- Answers {pending, in flight, dead, earliest due or ''}.
local pending = tonumber(call('GET', B .. 'h') or '0')
local in_flight, dead = 0, 0
for _, endpoint in ipairs(call('SMEMBERS', B .. 'i')) do
  pending = pending + call('ZCARD', B .. 'q:' .. endpoint)
  dead = dead + call('ZCARD', B .. 'z:' .. endpoint)
end
for _, owner in ipairs(call('SMEMBERS', B .. 'o')) do
  in_flight = in_flight + call('SCARD', B .. 'l:' .. owner)
end
return { pending, in_flight, dead, call('ZRANGE', B .. 'r', 0, 0, 'WITHSCORES')[2] or '' }
