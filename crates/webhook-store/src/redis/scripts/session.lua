-- Shared by the scripts that end sessions. KEYS[1]: the index of tenants.
local B = string.sub(KEYS[1], 1, -2)
-- Ends the session with this hash. Returns it, or false.
local function drop_session(hash)
  local json = redis.call('HGET', B .. 'ses', hash)
  if not json then return false end
  local session = cjson.decode(json)
  redis.call('HDEL', B .. 'ses', hash)
  redis.call('HDEL', B .. 'ses:id', session.id)
  redis.call('ZREM', B .. 'ses:end', hash)
  redis.call('SREM', B .. 'ses:by:' .. session.key, hash)
  if type(session.portal) == 'table' then
    redis.call('ZREM', B .. 'ses:of:' .. session.portal.tenant, session.id)
  end
  return json
end
