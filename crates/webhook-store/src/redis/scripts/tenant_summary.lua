-- Returns {version or '', 1 if the tenant is being deleted, earliest due time or '', owners, endpoints
-- being deleted, number of accepted events}.
return {
  call('HGET', T, ':v') or '',
  call('EXISTS', B .. 'gone'),
  call('ZRANGE', B .. 'r', 0, 0, 'WITHSCORES')[2] or '',
  call('SMEMBERS', B .. 'o'),
  call('SMEMBERS', B .. 'g'),
  call('LLEN', B .. 'a'),
}
