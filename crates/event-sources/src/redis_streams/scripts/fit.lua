-- The bytes of an event's own fields that are kept of an entry that is too large.
local LIMITS = { tenant = 256, type = 4096, id = 4096, timestamp = 4096, ordering_key = 4096 }

-- Returns the fields of an entry within `most` bytes, and the number of missing bytes of its data. The
-- data is cut to `data` bytes: one more than is allowed, so that the reader detects the excess.
local function fit(fields, most, data)
  local total = 0
  for i = 1, #fields do total = total + #fields[i] end
  if total <= most then return fields, 0, total end
  local room, own, cut = most, {}, 0
  for i = 1, #fields, 2 do
    local name, limit = fields[i], LIMITS[fields[i]]
    if name == 'data' then limit = data end
    if limit and not own[name] then
      own[name] = i
      if name == 'data' then cut = math.max(0, #fields[i + 1] - limit) end
      fields[i + 1] = string.sub(fields[i + 1], 1, limit)
      room = room - #name - #fields[i + 1]
    end
  end
  local kept = {}
  for i = 1, #fields, 2 do
    local name, value = fields[i], fields[i + 1]
    if own[name] ~= i then
      name = string.sub(name, 1, room)
      room = room - #name
      value = string.sub(value, 1, room)
      room = room - #value
    end
    if #name > 0 then
      kept[#kept + 1] = name
      kept[#kept + 1] = value
    end
  end
  return kept, cut, most - room
end
