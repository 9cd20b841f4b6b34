/* SPDX-License-Identifier: Apache-2.0 */
#include "app/pipeline/pipeline_parts.h"

#include <errno.h>

int cs_pipeline_make(struct cs_pipeline *pipeline, const struct cs_pipeline_options *options)
{
    const struct cs_assembler_options assembler = {
        .connections_max = CS_PIPELINE_CONNECTIONS_MAX,
        .requests_max = CS_PIPELINE_REQUESTS_MAX,
        .sink = cs_pipeline_exchange,
        .user = pipeline,
    };
    int error;

    pipeline->watchlist = options->watchlist;
    pipeline->context = options->context;
    error = cs_recorder_new(&options->recorder, &pipeline->recorder);
    if (error == 0)
        error = cs_container_table_new(&cs_container_limits_default, &pipeline->containers);
    if (error == 0)
        error = cs_pipeline_evidence_make(pipeline);
    if (error == 0)
        error = cs_pipeline_pods_make(pipeline, options);
    if (error == 0)
        error = cs_pipeline_findings_make(pipeline, options);
    if (error == 0)
        error = cs_api_exchanges_new(&pipeline->recent);
    if (error < 0)
        return error;
    pipeline->assembler = cs_assembler_new(&assembler);
    return pipeline->assembler ? 0 : -errno;
}

void cs_pipeline_free(struct cs_pipeline *pipeline)
{
    cs_assembler_free(pipeline->assembler);
    cs_api_exchanges_free(pipeline->recent);
    cs_findings_free(&pipeline->findings);
    cs_pipeline_pods_free(pipeline);
    cs_pipeline_evidence_free(pipeline);
    cs_container_table_free(&pipeline->containers);
    cs_recorder_free(pipeline->recorder);
}
