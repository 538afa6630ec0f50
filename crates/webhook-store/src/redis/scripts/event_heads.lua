-- Returns for each of some events its record without data, and 1 if it has data. ARGV: '=' and the type that
-- the events must have, or '', then ids. The record of an event that does not exist or match is ''.
local wanted = ARGV[1]
local reply = {}
for i = 2, #ARGV do
  local head, kind, has_data = event_head(ARGV[i])
  if not head or wanted ~= '' and wanted ~= '=' .. kind then head, has_data = '', 0 end
  reply[2 * i - 3], reply[2 * i - 2] = head, has_data
end
return reply
