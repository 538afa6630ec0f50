-- Returns the sums of a tenant. ARGV: 'om' or 'oh', first interval.
-- Returns {1 if the tenant exists, {(interval, counter, count)…}}.
local counts = {}
read_counters(ARGV[1], '', tonumber(ARGV[2]), counts)
return { call('HEXISTS', T, ':v'), counts }
