-- ARGV: a text that sorts behind the ids to delete, and the maximum. Returns 1 if there may be more.
local ids = redis.call('ZRANGE', B .. 'aud:ids', '-', '(' .. ARGV[1], 'BYLEX', 'LIMIT', 0, ARGV[2])
for _, id in ipairs(ids) do drop_entry(id) end
return #ids == tonumber(ARGV[2]) and 1 or 0
