-- Corrects due times of waiting deliveries, like `rewind.lua`. ARGV: endpoint, group, now in eight
-- bytes, first index, maximum. Returns the number of deliveries that were read.
local now = ARGV[3]
local from = tonumber(ARGV[4])
local ids = call('ZRANGE', group_key(ARGV[1], ARGV[2]), from, from + ARGV[5] - 1)
local keys = {}
for i = 1, #ids do keys[i] = D .. ids[i] end
local records = values(keys)
for i = 1, #ids do
  local record = records[i]
  if record and byte(record) == 87 and sub(record, 3, 10) > now then
    call('SET', keys[i], 'W\0' .. now .. sub(record, 11))
  end
end
return #ids
