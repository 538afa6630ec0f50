-- ARGV: owner, now in eight bytes, maximum, then (id, fence of the claim that stays or '')…; without
-- ids, any of the owner's. Returns {number of returned claims, number left, lowered or ''}.
local owner = ARGV[1]
local lease = B .. 'l:' .. owner
local ids, kept = {}, {}
if #ARGV > 3 then
  for i = 4, #ARGV, 2 do
    ids[#ids + 1] = ARGV[i]
    kept[#ids] = ARGV[i + 1]
  end
else
  ids = call('SRANDMEMBER', lease, ARGV[3])
end
local count, gone = return_claims(owner, ids, ARGV[2], kept, count_dead)
each(gone, 1, #gone, 'SREM', lease)
-- Another owner may plan the accepted events.
if #ARGV == 3 and call('GET', B .. 'p') == owner then call('DEL', B .. 'p') end
local left = call('SCARD', lease)
-- Recovery finds an owner that plans by this set only.
if left == 0 and call('GET', B .. 'p') ~= owner then call('SREM', B .. 'o', owner) end
write_dead(ARGV[2])
refresh_touched()
return { count, left, lowered and text(lowered) or '' }
