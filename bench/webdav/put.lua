-- 1 KiB, to 64 names in turn: the first of each is made, the others are replaced.
wrk.method = "PUT"
wrk.body = string.rep("0123456789abcdef", 64)
wrk.headers["Content-Type"] = "application/octet-stream"
local counter = 0
request = function()
  counter = counter + 1
  return wrk.format(nil, "/put/" .. (counter % 64) .. ".bin")
end
