#!/bin/sh
# Brings Apache Kafka from Maven Central into jars/ beside this script, once per
# version of pom.xml.
set -eu
cd "$(dirname "$0")"
if [ -f jars/.made-of ] && cmp -s pom.xml jars/.made-of; then
  exit 0
fi
rm -rf jars
mvn --batch-mode --quiet dependency:copy-dependencies \
  -DoutputDirectory=jars -DincludeScope=runtime
cp pom.xml jars/.made-of
