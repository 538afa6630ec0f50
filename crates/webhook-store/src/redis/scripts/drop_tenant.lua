-- Removes a tenant's endpoints. Returns the version that the tenant had, or ''.
local version = call('HGET', T, ':v')
if not version then return '' end
call('SET', B .. 'gone', version)
call('DEL', T, B .. 'r')
return version
