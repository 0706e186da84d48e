-- Certificates for the specs, made by openssl in a directory of their own: an authority (ca.crt,
-- and authorities/ with its hash), and of each name a key and a certificate: `here` for 127.0.0.1
-- and localhost, `elsewhere` for another host, `old` for 127.0.0.1 but expired, `self` for 127.0.0.1
-- but vouched for by itself alone, `forged` for 127.0.0.1 by a stranger under the name of an authority that systems
-- trust.

local certificates = {}

local SCRIPT = [[
set -e
cd "$1"
exec >log 2>&1
new_key="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
openssl req -x509 $new_key -keyout ca.key -out ca.crt -days 2 -subj "/CN=Spec CA"
key_of() {
  openssl req $new_key -keyout $1.key -out $1.csr -subj "/CN=$1"
  echo "subjectAltName=$2" >$1.ext
}
leaf() {
  key_of "$@"
  openssl x509 -req -in $1.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile $1.ext -out $1.crt
}
leaf here IP:127.0.0.1,DNS:localhost
leaf elsewhere DNS:elsewhere.test
# x509 takes no end in the past (OpenSSL 3.5), nor dates (3.0)
key_of old IP:127.0.0.1,DNS:localhost
mkdir issued
touch issued/index
cat >ca.conf <<END
[ca]
default_ca = authority
[authority]
database = issued/index
new_certs_dir = issued
rand_serial = yes
default_md = sha256
policy = any
[any]
commonName = supplied
END
openssl ca -batch -notext -config ca.conf -cert ca.crt -keyfile ca.key -in old.csr -extfile old.ext -out old.crt \
  -startdate 20200101000000Z -enddate 20200102000000Z
openssl req -x509 $new_key -keyout self.key -out self.crt -days 2 -subj /CN=127.0.0.1 \
  -addext subjectAltName=IP:127.0.0.1
openssl req -x509 -newkey rsa:2048 -nodes -keyout forger.key -out forger.crt -days 2 \
  -subj "/C=US/O=Internet Security Research Group/CN=ISRG Root X1"
key_of forged IP:127.0.0.1
echo authorityKeyIdentifier=none >>forged.ext
openssl x509 -req -in forged.csr -CA forger.crt -CAkey forger.key -CAcreateserial -days 2 -extfile forged.ext \
  -out forged.crt
mkdir authorities
cp ca.crt authorities/ca.pem
openssl rehash authorities
echo made
]]

-- Those that were made last, for a day: a spec that needs some copies them.
local KEPT = "build/certificates"

local COPY = [[
[ "$(find KEPT -maxdepth 0 -mmin -1440 2>/dev/null)" ] && cp -R KEPT/. %s 2>/dev/null]]

-- Several processes may do so at once: what is there is whole at any time.
local KEEP = [[
mkdir -p build && cp -R %s KEPT.$$ && {
  mv KEPT KEPT.$$.old
  mv KEPT.$$ KEPT
  rm -rf KEPT.$$.old KEPT/certificates.*
} 2>/dev/null]]

local function read(path)
  local file = io.open(path)
  local text = file and file:read "*a" or ""
  if file then
    file:close()
  end
  return text
end

local function is_whole(directory)
  return read(directory .. "/log"):find("made\n", 1, true) ~= nil and read(directory .. "/make.sh") == SCRIPT
end

--- Makes them; returns the directory, or nil where openssl cannot.
function certificates.make()
  local pipe = io.popen "mktemp -d"
  local directory = pipe:read "*l"
  pipe:close()
  os.execute((COPY:gsub("KEPT", KEPT):format(directory)))
  if is_whole(directory) then
    return directory
  end
  os.execute("rm -rf " .. directory .. "/*") -- those of an older script
  local script = assert(io.open(directory .. "/make.sh", "w"))
  script:write(SCRIPT)
  script:close()
  os.execute("sh " .. directory .. "/make.sh " .. directory)
  if not is_whole(directory) then
    return nil, read(directory .. "/log")
  end
  os.execute((KEEP:gsub("KEPT", KEPT):format(directory)))
  return directory
end

function certificates.remove(directory)
  os.execute("rm -rf " .. directory)
end

return certificates
