#!/usr/bin/env bash
# Makes key stores and trust stores of every kind, with openssl and keytool, in the folder that is named, and in it the file "rows" with a
# line for each: its name, the file, the store's password, the key's, the alias, and what it comes to, parted by tabs. That is
#
#   key ALIAS COUNT      the key of that name with so many certificates
#   trusted COUNT        so many trusted certificates
#   fault TEXT           a sentence with that in it
#
# "-" stands for nothing. tests/rules/key_stores.rs reads them.
set -euo pipefail
mkdir -p "$1"
cd "$1"
: > rows
row() { printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$@" >> rows; }
export LC_ALL=C.UTF-8 JAVA_TOOL_OPTIONS='-Dfile.encoding=UTF-8 -Dsun.jnu.encoding=UTF-8 -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto'
quiet() { "$@" > tool.log 2>&1 || { cat tool.log >&2; return 1; }; }
kt() { quiet keytool "$@"; }

# An authority, one below it, and for each kind of key a certificate that the lower has issued.
ca() { printf 'basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign,cRLSign\n'; }
quiet openssl req -x509 -newkey rsa:2048 -nodes -keyout root.key -out root.crt -days 3650 -subj /CN=root \
  -addext keyUsage=keyCertSign,cRLSign
quiet openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout sub.key -out sub.csr -subj /CN=sub
quiet openssl x509 -req -in sub.csr -CA root.crt -CAkey root.key -CAcreateserial -days 3650 -extfile <(ca) -out sub.crt
issue() {
  quiet openssl req -new -key "$1.key" -out "$1.csr" -subj "/CN=$1.example"
  quiet openssl x509 -req -in "$1.csr" -CA sub.crt -CAkey sub.key -CAcreateserial -days 3650 \
    -extfile <(printf 'subjectAltName=DNS:%s.example\n' "$1") -out "$1.crt"
}
quiet openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.key
quiet openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec.key
quiet openssl genpkey -algorithm ed25519 -out ed25519.key
for kind in rsa ec ed25519; do issue "$kind"; done
cat sub.crt root.crt > issuers.crt

# Keys that keytool makes, as the guides of Kafka have it; without -storetype it is PKCS#12 by whatever name.
for kind in 'RSA jks' 'EC jks' 'RSA pkcs12' 'EC pkcs12' 'Ed25519 pkcs12'; do
  read -r algorithm type <<< "$kind"
  file=made-$algorithm.$type
  kt -genkeypair -keystore "$file" -storetype "$type" -storepass changeit -keypass changeit -alias broker -keyalg "$algorithm" \
    -dname CN=broker.example -validity 3650
  row "keytool: $algorithm in $type" "$file" changeit - - 'key broker 1'
done
kt -genkeypair -keystore server.keystore.jks -storepass changeit -alias Broker-Server -keyalg EC -dname CN=broker.example -validity 3650
row 'keytool: PKCS#12 that is called JKS' server.keystore.jks changeit - - 'key broker-server 1'
for type in jks pkcs12; do
  file=signed.$type
  kt -genkeypair -keystore "$file" -storetype "$type" -storepass changeit -keypass changeit -alias broker -keyalg RSA \
    -dname CN=broker.example -validity 3650
  kt -certreq -keystore "$file" -storepass changeit -alias broker -file request.csr
  quiet openssl x509 -req -in request.csr -CA root.crt -CAkey root.key -CAcreateserial -days 3650 -out reply.crt
  kt -importcert -noprompt -keystore "$file" -storepass changeit -alias caroot -file root.crt
  kt -importcert -noprompt -keystore "$file" -storepass changeit -alias broker -file reply.crt
  row "keytool: signed by an authority, in $type" "$file" changeit - - 'key broker 2'
  row "keytool: the authority beside the key, in $type" "$file" changeit - - 'trusted 1'
done

# Stores that openssl makes.
p12() {
  local file=$1 kind=$2
  shift 2
  quiet openssl pkcs12 -export -inkey "$kind.key" -in "$kind.crt" -passout pass:changeit -out "$file" "$@"
}
p12 modern.p12 rsa -name server
row 'openssl: as it makes them today' modern.p12 changeit - server 'key server 1'
p12 chain.p12 ec -name server -certfile issuers.crt
row 'openssl: with the issuers' chain.p12 changeit - - 'key server 3'
p12 ed25519.p12 ed25519 -name server
row 'openssl: Ed25519' ed25519.p12 changeit - - 'key server 1'
p12 nameless.p12 ec -certfile issuers.crt
row 'openssl: without a name' nameless.p12 changeit - - 'key 1 3'
p12 legacy.p12 rsa -name server -legacy
row 'openssl: 3DES and RC2 of 40 bits' legacy.p12 changeit - - 'key server 1'
p12 3des.p12 rsa -name server -legacy -keypbe PBE-SHA1-2DES -certpbe PBE-SHA1-3DES
row 'openssl: 3DES of two keys and of three' 3des.p12 changeit - - 'key server 1'
p12 rc2.p12 rsa -name server -legacy -keypbe PBE-SHA1-RC2-128 -certpbe PBE-SHA1-RC2-128
row 'openssl: RC2 of 128 bits' rc2.p12 changeit - - 'key server 1'
p12 rc4.p12 rsa -name server -legacy -keypbe PBE-SHA1-RC4-128 -certpbe PBE-SHA1-3DES
row 'openssl: RC4' rc4.p12 changeit - - "fault the key 'server' is encrypted with PBE-SHA1-RC4-128, which is not served: name a file that is made of it with: keytool -importkeystore -srckeystore rc4.p12 -destkeystore rc4.new.p12 -deststoretype pkcs12"
p12 plain.p12 rsa -name server -keypbe NONE -certpbe NONE
row 'openssl: nothing encrypted' plain.p12 changeit - - 'key server 1'
p12 nomac.p12 rsa -name server -nomac -keypbe AES-256-CBC -certpbe AES-256-CBC
row 'openssl: without a MAC' nomac.p12 changeit - - 'key server 1'
row 'openssl: without a MAC, another password' nomac.p12 wrong - - 'fault the password is not that of this PKCS#12, or the file was changed after it was written: try it with: keytool -list -keystore nomac.p12'
p12 open.p12 rsa -name server -nomac -keypbe NONE -certpbe NONE
row 'openssl: without any password' open.p12 - - - 'key server 1'
for aes in 128 192 256; do
  for mac in sha1 sha224 sha384 sha512; do
    p12 "aes-$aes-$mac.p12" ec -name server -keypbe "AES-$aes-CBC" -certpbe "AES-$aes-CBC" -macalg "$mac"
    row "openssl: AES of $aes bits, $mac" "aes-$aes-$mac.p12" changeit - - 'key server 1'
  done
done
p12 often.p12 ec -name server -iter 2000000
row 'openssl: a password that is hashed too often' often.p12 changeit - - 'fault the password is to be hashed more often than any file of these is worth (2,000,000 times)'
p12 thrice.p12 ec -name server -iter 900000
row 'openssl: a password that is hashed too often for the key' thrice.p12 changeit - - 'fault the password is to be hashed more often than any file of these is worth (2,000,000 times)'
p12 advised.p12 ec -name server -iter 600000
row 'openssl: a password that is hashed as often as is advised' advised.p12 changeit - - 'key server 1'
quiet openssl pkcs12 -export -inkey ec.key -in ec.crt -name schlüssel -passout 'pass:Übergröße€' -out unicode.p12
row 'openssl: a name and a password beyond ASCII' unicode.p12 'Übergröße€' - SCHLÜSSEL 'key schlüssel 1'
quiet openssl pkcs12 -export -nokeys -in issuers.crt -passout pass:changeit -out trust-openssl.p12
row 'openssl: a trust store, which Java finds empty' trust-openssl.p12 changeit - - 'trusted 2'

# Stores that keytool makes of these.
import() {
  local file=$1 type=$2
  shift 2
  kt -importkeystore -noprompt -srckeystore modern.p12 -srcstorepass changeit -srcalias server -destkeystore "$file" \
    -deststoretype "$type" "$@"
}
import imported.jks jks -deststorepass changeit
row 'keytool: JKS' imported.jks changeit - - 'key server 1'
row 'keytool: JKS, another password' imported.jks wrong - - 'fault the password is not that of this JKS, or the file was changed after it was written: try it with: keytool -list -keystore imported.jks'
row 'keytool: JKS, no password' imported.jks - - - "fault the key 'server' has a password: name the file that holds it as password_file"
import imported.p12 pkcs12 -deststorepass changeit
row 'keytool: PKCS#12' imported.p12 changeit - - 'key server 1'
row 'keytool: PKCS#12, another password' imported.p12 wrong - - 'fault the password is not that of this PKCS#12'
row 'keytool: PKCS#12, no password' imported.p12 - - - 'fault this PKCS#12 has a password: name the file that holds it as password_file'
import old.p12 pkcs12 -deststorepass changeit -J-Dkeystore.pkcs12.legacy
row 'keytool: PKCS#12 as before Java 17' old.p12 changeit - - 'key server 1'
import jceks.jks jceks -deststorepass changeit
row 'keytool: JCEKS' jceks.jks changeit - - 'fault this is a JCEKS key store, which is not read: name a file that is made of it with: keytool -importkeystore -srckeystore jceks.jks -destkeystore jceks.p12 -deststoretype pkcs12'
import other-key.jks jks -deststorepass changeit -destkeypass another
row 'keytool: a key with a password of its own' other-key.jks changeit another - 'key server 1'
row 'keytool: a key with a password of its own, not named' other-key.jks changeit - - "fault the password is not that of the key 'server': where it has another than the store, name the file that holds it as key_password_file"
import unicode.jks jks -deststorepass changeit -destalias schlüssel-鍵-🔑
kt -storepasswd -keystore unicode.jks -storepass changeit -new 'pässwörd€'
row 'keytool: a name and a password beyond ASCII' unicode.jks 'pässwörd€' changeit SCHLÜSSEL-鍵-🔑 'key schlüssel-鍵-🔑 1'
for type in jks pkcs12; do
  import "two.$type" "$type" -deststorepass changeit -destalias first
  import "two.$type" "$type" -deststorepass changeit -destalias second
  row "keytool: two keys in $type" "two.$type" changeit - - "fault there are 2 keys in it ("
  row "keytool: two keys in $type, the second" "two.$type" changeit - Second 'key second 1'
  row "keytool: two keys in $type, a third" "two.$type" changeit - third "fault there is no key 'third' in it, but '"
  kt -importcert -noprompt -keystore "trust.$type" -storetype "$type" -storepass changeit -alias CARoot -file root.crt
  kt -importcert -noprompt -keystore "trust.$type" -storetype "$type" -storepass changeit -alias sub -file sub.crt
  row "keytool: a trust store in $type" "trust.$type" changeit - - 'trusted 2'
  row "keytool: a trust store in $type for a key" "trust.$type" changeit - - 'fault there is no key in it but 2 trusted certificates: name'
done
row 'keytool: a trust store in JKS without a password' trust.jks - - - 'trusted 2'
row 'keytool: a trust store in PKCS#12 without a password' trust.pkcs12 - - - 'fault this PKCS#12 has a password'
row 'keytool: a key store as a trust store' imported.jks changeit - - 'fault there is no trusted certificate in it but the key server: name the trust store'

# PEM with a key and its certificates, the key in each encoding.
pem() {
  local name=$1 kind=$2
  { cat - ; cat "$kind.crt" issuers.crt; } > "$name.pem"
}
pem pkcs8-rsa rsa < rsa.key
pem pkcs8-ec ec < ec.key
pem pkcs8-ed25519 ed25519 < ed25519.key
openssl rsa -in rsa.key -traditional 2> tool.log | pem pkcs1 rsa
{ openssl ecparam -name prime256v1; openssl ec -in ec.key 2> tool.log; } | pem sec1 ec
for name in pkcs8-rsa pkcs8-ec pkcs8-ed25519 pkcs1 sec1; do row "PEM: $name" "$name.pem" - - - 'key 1 3'; done
sed 's/$/\r/' pkcs8-ec.pem > crlf.pem
row 'PEM: with the line ends of Windows' crlf.pem - - - 'key 1 3'
openssl pkcs12 -in chain.p12 -passin pass:changeit -nodes > bags.pem 2> tool.log
row 'PEM: with the attributes of bags' bags.pem - - - 'key 1 3'
encrypted() {
  local name=$1
  shift
  openssl pkcs8 -topk8 -in rsa.key -passout pass:changeit "$@" 2> tool.log | pem "$name" rsa
}
encrypted pbes2 -v2 aes-256-cbc
encrypted pbes2-sha512 -v2 aes-128-cbc -v2prf hmacWithSHA512
encrypted pbes2-sha1 -v2 aes-192-cbc -v2prf hmacWithSHA1
encrypted pbes2-des3 -v2 des3
encrypted pbes1-3des -v1 PBE-SHA1-3DES
encrypted pbes1-rc2 -v1 PBE-SHA1-RC2-40 -provider legacy -provider default
for name in pbes2 pbes2-sha512 pbes2-sha1 pbes2-des3 pbes1-3des pbes1-rc2; do
  row "PEM: $name" "$name.pem" changeit - - 'key 1 3'
  row "PEM: $name, another password" "$name.pem" wrong - - "fault the password is not that of the private key: try it with: openssl pkey -noout -in $name.pem"
done
row 'PEM: encrypted, no password' pbes2.pem - - - 'fault the private key is encrypted: name the file that holds its password'
encrypted scrypt -scrypt
row 'PEM: scrypt' scrypt.pem changeit - - 'fault the private key is encrypted with scrypt, which is not served: name a file that is made of it with: openssl pkcs8 -topk8 -v2 aes-256-cbc -in scrypt.pem -out scrypt.key'
openssl rsa -in rsa.key -traditional -aes256 -passout pass:changeit 2> tool.log | pem traditional rsa
row 'PEM: encrypted in the traditional way' traditional.pem changeit - - 'fault the private key is encrypted in the traditional way (Proc-Type: 4,ENCRYPTED), which is not read: name a file that is made of it with: openssl pkcs8 -topk8 -v2 aes-256-cbc -in traditional.pem -out traditional.key'
row 'PEM: trusted certificates' issuers.crt - - - 'trusted 2'
cat rsa.key ec.key rsa.crt > two.pem
row 'PEM: two keys' two.pem - - - 'fault there are 2 private keys in it: keep one'
row 'PEM: a key alone' rsa.key - - - 'fault the private key in it is without a certificate'

# What is none, or not whole.
: > empty
row 'an empty file' empty - - - 'fault the file is empty'
printf 'hello\n' > text
row 'text' text - - - 'fault this is neither JKS, PKCS#12 nor PEM: name a key store or a trust store'
openssl x509 -in root.crt -outform der -out root.der
row 'a certificate in DER' root.der - - - 'fault this is a certificate in DER, and neither JKS, PKCS#12 nor PEM'
head -c 700 imported.jks > cut.jks
row 'JKS, cut' cut.jks changeit - - 'fault the password is not that of this JKS, or the file was changed'
row 'JKS, cut, read without a password' cut.jks - - - 'fault this JKS is damaged (it ends too early): copy it again'
head -c 700 modern.p12 > cut.p12
row 'PKCS#12, cut' cut.p12 changeit - - 'fault this PKCS#12 is damaged (an element is cut short): copy it again, or where Java reads it, name a file that is made of it with: keytool'
{ cat modern.p12; printf x; } > long.p12
row 'PKCS#12, and a byte' long.p12 changeit - - 'fault this PKCS#12 is damaged (it is no SEQUENCE, or there are bytes behind it)'
# A JKS that announces 4,294,967,295 entries, and one whose first key has as many certificates.
{ printf '\xfe\xed\xfe\xed\0\0\0\2\xff\xff\xff\xff'; head -c 20 /dev/zero; } > entries.jks
row 'JKS, 4 thousand million entries' entries.jks - - - 'fault this JKS is damaged (it ends too early)'
{ printf '\xfe\xed\xfe\xed\0\0\0\2\0\0\0\1\0\0\0\1\0\1a'; head -c 12 /dev/zero; printf '\xff\xff\xff\xff'; head -c 20 /dev/zero; } > chain.jks
row 'JKS, 4 thousand million certificates' chain.jks - - - 'fault this JKS is damaged (it ends too early)'
head -c 1048577 /dev/zero > large
row 'more than 1 MiB' large - - - 'fault the file is larger than 1024 KiB'
