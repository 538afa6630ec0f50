-- Removes an accepted event. ARGV: id.
if call('LREM', B .. 'a', 1, ARGV[1]) == 1 then
  call('DEL', B .. 'e:' .. ARGV[1])
  call('HDEL', B .. 'at', ARGV[1])
  call('ZREM', B .. 'ea', ARGV[1])
end
return 1
