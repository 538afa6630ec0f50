-- Creates the group, which begins with the oldest entry, and the marker of the stream's incarnation,
-- if they are missing. KEYS[1]: the stream. ARGV: group, prefix of the group that marks the incarnation, a new
-- incarnation, the greatest id. Returns the incarnation, and 1 if the group was created.
local group, incarnation
if redis.call('EXISTS', KEYS[1]) == 1 then
  for _, row in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
    for at = 1, #row, 2 do
      local name = row[at] == 'name' and row[at + 1]
      if name == ARGV[1] then group = true end
      if name and string.sub(name, 1, #ARGV[2]) == ARGV[2] then
        incarnation = string.sub(name, #ARGV[2] + 1)
      end
    end
  end
end
if not incarnation then
  incarnation = ARGV[3]
  redis.call('XGROUP', 'CREATE', KEYS[1], ARGV[2] .. incarnation, ARGV[4], 'MKSTREAM')
end
if not group then redis.call('XGROUP', 'CREATE', KEYS[1], ARGV[1], '0') end
return { incarnation, group and 0 or 1 }
