-- ARGV: first version. Returns {1 if new, 0 if it existed, -1 if it is being deleted; version}.
if call('EXISTS', B .. 'gone') == 1 then return { -1, '0' } end
local version = call('HGET', T, ':v')
if version then return { 0, version } end
call('HSET', T, ':v', ARGV[1])
call('SET', B .. 'fs', '0')
return { 1, ARGV[1] }
