#include "sim/scene.h"

void mpp_scene_clear(MppScene *scene)
{
    for (int32_t k = 0; scene->replica_links && k < scene->program->pp; k++)
        g_free(scene->replica_links[k]);
    void *arrays[] = { scene->times,      scene->pool_of_lane, scene->compute_factor,       scene->exchange_factor,
                       scene->layers,     scene->reductions,   scene->update_s,             scene->gather_s,
                       scene->message_in, scene->message_out,  scene->gather_bytes_per_s,   scene->replica_links,
                       scene->n_replica_links, scene->host_of_lane,  scene->capacity_bytes_per_s, scene->message_s };
    for (gsize i = 0; i < G_N_ELEMENTS(arrays); i++)
        g_free(arrays[i]);
    *scene = (MppScene){ 0 };
}
