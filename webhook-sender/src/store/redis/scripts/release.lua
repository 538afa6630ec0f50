-- ARGV: owner, now in eight bytes, most, then ids; without ids, any of the owner's.
-- Answers {how many were given back, how many are left, lowered or ''}.
local owner = ARGV[1]
local lease = B .. 'l:' .. owner
local ids = {}
if #ARGV > 3 then
  for i = 4, #ARGV do ids[i - 3] = ARGV[i] end
else
  ids = call('SRANDMEMBER', lease, ARGV[3])
end
local count = give_back(owner, ids, ARGV[2])
each(ids, 1, #ids, 'SREM', lease)
local left = call('SCARD', lease)
if left == 0 then call('SREM', B .. 'o', owner) end
refresh_touched()
return { count, left, lowered and text(lowered) or '' }
