-- ARGV: endpoint, version that it replaces or '', 1 if enabled, the endpoint as JSON.
-- Returns {'done', version, lowered or ''}, {'unknown'}, {'conflict'}, or {'busy'} while pending
-- deliveries of a removed endpoint of the same id are being buried.
local id, over = ARGV[1], ARGV[2]
if call('HEXISTS', T, ':v') == 0 then return { 'unknown' } end
local stored = call('HGET', T, id)
if (stored and string.match(stored, '^%d+') or '') ~= over then return { 'conflict' } end
if call('SISMEMBER', B .. 'g', id) == 1 then return { 'busy' } end
call('HINCRBY', T, ':v', 1)
local version = call('HGET', T, ':v')
call('HSET', T, id, version .. ' ' .. ARGV[4])
call(ARGV[3] == '1' and 'SREM' or 'SADD', B .. 'off', id)
refresh(id)
return { 'done', version, lowered and text(lowered) or '' }
