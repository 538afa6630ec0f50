-- Returns the records of deliveries, without the requests and responses of long ones. ARGV: ids.
local LONG = 1024
local keys = {}
for i = 1, #ARGV do keys[i] = D .. ARGV[i] end
local records = values(keys)
for i = 1, #keys do
  local record = records[i]
  if record and #record > LONG then records[i] = summary(record) end
end
return records
