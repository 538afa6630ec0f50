-- ARGV: now. Returns {earliest due time or '', next one after now or '', (endpoint, since)…}.
local now = ARGV[1]
local ready = B .. 'r'
local rows = call('ZRANGEBYSCORE', ready, '-inf', now, 'WITHSCORES')
-- Not unpacked: the Lua stack cannot hold thousands of results.
local reply = { '', '' }
for i = 1, #rows do reply[i + 2] = rows[i] end
local next = call('ZRANGEBYSCORE', ready, '(' .. now, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2]
for i = 1, #rows, 2 do
  local later = call('ZRANGEBYSCORE', B .. 'q:' .. rows[i], '(' .. now, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2]
  if later and (not next or tonumber(later) < tonumber(next)) then next = later end
end
reply[1] = rows[2] or next or ''
reply[2] = next or ''
return reply
