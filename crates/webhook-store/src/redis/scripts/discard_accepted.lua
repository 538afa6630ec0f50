-- Removes an accepted event that was tried often enough. ARGV: id, the fewest tries.
local tries = tonumber(call('HGET', B .. 'at', ARGV[1]) or '0')
if tries >= tonumber(ARGV[2]) and call('LREM', B .. 'a', 1, ARGV[1]) == 1 then
  call('DEL', B .. 'e:' .. ARGV[1])
  call('HDEL', B .. 'at', ARGV[1])
  call('ZREM', B .. 'ea', ARGV[1])
end
return 1
