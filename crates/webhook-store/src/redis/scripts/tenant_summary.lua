-- Answers {version or '', 1 if it is being removed, earliest due or '', owners, endpoints being buried,
-- accepted events}.
return {
  call('HGET', T, ':v') or '',
  call('EXISTS', B .. 'gone'),
  call('ZRANGE', B .. 'r', 0, 0, 'WITHSCORES')[2] or '',
  call('SMEMBERS', B .. 'o'),
  call('SMEMBERS', B .. 'g'),
  call('LLEN', B .. 'a'),
}
