#!/bin/sh
# What a container of the image runs, by its first word:
#
#   driver, executor    what Spark asks of an image on Kubernetes
#   anything else       the job, with options as ./spark-submit.sh takes them
set -eu

home=$(CDPATH='' cd "$(dirname "$0")/.." && pwd -P)

# Sets what Spark's own scripts look for. spark-submit.sh finds all of it by itself.
use_spark() {
    for SPARK_HOME in "$home"/.venv/lib/python3.*/site-packages/pyspark; do :; done
    for connector in "${SANDBOX_CACHE:?}"/spark-sql-kafka-*; do :; done
    # Its `java` leaves out what this Java does not have.
    PATH=$home/.venv/bin:$PATH
    PYSPARK_PYTHON=$home/.venv/bin/python
    # Driver and executors have the connector from the image, and fetch nothing.
    SPARK_DIST_CLASSPATH="$connector/*"
    export PATH PYSPARK_PYTHON SPARK_HOME SPARK_DIST_CLASSPATH
}

case ${1:-} in
    driver)
        shift
        use_spark
        exec "$SPARK_HOME/bin/spark-submit" \
            --conf "spark.driver.bindAddress=${SPARK_DRIVER_BIND_ADDRESS:?}" --deploy-mode client "$@"
        ;;
    executor)
        use_spark
        set --
        number=0
        while eval "[ -n \"\${SPARK_JAVA_OPT_$number+set}\" ]"; do
            eval "set -- \"\$@\" \"\$SPARK_JAVA_OPT_$number\""
            number=$((number + 1))
        done
        exec java "$@" "-Xms${SPARK_EXECUTOR_MEMORY:?}" "-Xmx$SPARK_EXECUTOR_MEMORY" \
            -cp "${SPARK_CONF_DIR:+$SPARK_CONF_DIR:}$SPARK_HOME/jars/*:$SPARK_DIST_CLASSPATH" \
            org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend \
            --driver-url "${SPARK_DRIVER_URL:?}" \
            --executor-id "${SPARK_EXECUTOR_ID:?}" \
            --cores "${SPARK_EXECUTOR_CORES:?}" \
            --app-id "${SPARK_APPLICATION_ID:?}" \
            --hostname "${SPARK_EXECUTOR_POD_IP:?}" \
            --resourceProfileId "${SPARK_RESOURCE_PROFILE_ID:?}" \
            --podName "${SPARK_EXECUTOR_POD_NAME:?}"
        ;;
    *)
        exec "$home/spark-submit.sh" "$@"
        ;;
esac
