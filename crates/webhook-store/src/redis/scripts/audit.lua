-- Shared by the scripts of the audit list. KEYS[1]: the index of tenants.
local B = string.sub(KEYS[1], 1, -2)
local function drop_entry(id)
  local value = redis.call('HGET', B .. 'aud', id)
  redis.call('HDEL', B .. 'aud', id)
  redis.call('ZREM', B .. 'aud:ids', id)
  redis.call('ZREM', B .. 'aud:ids:' .. string.match(value or '', '^%S*'), id)
end
