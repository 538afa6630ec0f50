-- Ends the planning of an owner. ARGV: owner, ids of events whose try does not count….
if call('GET', B .. 'p') ~= ARGV[1] then return 0 end
call('DEL', B .. 'p')
for i = 2, #ARGV do
  local tried = tonumber(call('HGET', B .. 'at', ARGV[i]) or '0')
  if tried > 1 then
    call('HINCRBY', B .. 'at', ARGV[i], -1)
  elseif tried == 1 then
    call('HDEL', B .. 'at', ARGV[i])
  end
end
return 1
